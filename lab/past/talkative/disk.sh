# shellcheck shell=sh
# A banner before the login, a message after it, and a shell that prints whatever it is asked.
printf 'Authorised users only.\n@@ end\n' | put /etc/issue.net
echo 'Banner /etc/issue.net' | put /etc/ssh/sshd_config.d/banner.conf
echo 'Welcome to the cluster.' >>/etc/motd
sed -i '1i echo Welcome; echo @@ end' "/home/$USER_NAME/.bashrc"
