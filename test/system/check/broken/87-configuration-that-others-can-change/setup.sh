# needs root
touch theirs.conf
chown www-data theirs.conf
chmod 755 map.sh
