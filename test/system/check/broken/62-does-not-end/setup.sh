printf '#!/bin/sh\nwhile read -r line; do echo NULL; done\nexec sleep 600\n' > map.sh
