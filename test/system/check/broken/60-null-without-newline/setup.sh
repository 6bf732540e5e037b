printf '#!/bin/sh\nread -r line; printf NULL; cat > /dev/null\n' > map.sh
