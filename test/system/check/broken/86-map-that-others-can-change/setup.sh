# needs root
mkdir theirs
cp map.sh theirs
chmod 755 theirs/map.sh
chown www-data theirs
