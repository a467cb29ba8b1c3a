# shellcheck shell=dash
# How each of the files "$@", configurations of Docker's client, stands to the login on standard input, which is
# "SERVER":{"auth":"..."}: a line `absent`, `other`, or `ours` with mode and owner. No login is printed, nor in arguments.
login=$(cat)
for file; do
    if [ ! -e "$file" ]; then
        echo absent
    elif tr -d '[:space:]' <"$file" | grep -qF -f /dev/fd/3 3<<END; then
$login
END
        echo "ours $(stat -c '%a %U' "$file")"
    else
        echo other
    fi
done
