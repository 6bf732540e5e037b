sed -i '1s|.*|#!/usr/bin/env ruby4|' map.sh
