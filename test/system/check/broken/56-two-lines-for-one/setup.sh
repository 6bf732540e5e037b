printf '#!/bin/sh\nwhile read -r line; do echo NULL; echo NULL; done\n' > map.sh
