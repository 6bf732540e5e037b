sed -i '1s|.*|#!/opt/perl4/bin/perl|' map.sh
