chmod 644 map.sh
