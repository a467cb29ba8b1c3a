# shellcheck shell=sh
# Ubuntu by name: what its files say, over Debian's programs.
put /usr/lib/os-release <<END
PRETTY_NAME="Ubuntu $VERSION LTS"
NAME="Ubuntu"
VERSION_ID="$VERSION"
VERSION="$VERSION LTS ($NICK)"
VERSION_CODENAME=$CODENAME
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=$CODENAME
END
printf 'Ubuntu %s LTS \\n \\l\n' "$VERSION" >/etc/issue
# The same sources under the names of Ubuntu's files: in one line each before 24.04.
sources=/etc/apt/sources.list.d
if [ "$VERSION" = 24.04 ]; then
    mv $sources/debian.sources $sources/ubuntu.sources
else
    awk -F ': ' '
        $1 == "URIs" { uri = $2 } $1 == "Suites" { suites = $2 } $1 == "Components" { components = $2 }
        $1 == "Signed-By" {
            count = split(suites, each, " ")
            for (i = 1; i <= count; i++) printf "deb [signed-by=%s] %s %s %s\n", $2, uri, each[i], components
        }' $sources/debian.sources >/etc/apt/sources.list
    rm $sources/debian.sources
fi
echo 'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games:/snap/bin"' >/etc/environment
echo 'session required pam_env.so readenv=1 user_readenv=0' >>/etc/pam.d/sudo
install curl gnupg lsb-release python3 rsync ufw
timesyncd
