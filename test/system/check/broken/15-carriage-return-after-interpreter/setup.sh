sed -i '1s/$/\r/' map.sh
