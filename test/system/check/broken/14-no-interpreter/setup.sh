sed -i 1d map.sh
