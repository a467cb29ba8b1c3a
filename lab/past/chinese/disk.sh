# shellcheck shell=sh
# LANG=zh_CN.UTF-8 for everyone, with the translations that the lab's disks leave out.
install locales
echo 'zh_CN.UTF-8 UTF-8' >/etc/locale.gen
locale-gen
put /etc/default/locale <<END
LANG=zh_CN.UTF-8
LANGUAGE=zh_CN:zh
END
apt-get -q -y -o Dpkg::Options::=--path-include=/usr/share/locale/zh* --reinstall install \
    apt coreutils dpkg grep sed sudo systemd
