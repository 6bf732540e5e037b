printf '#!/bin/sh\nexec sed s/.*/NULL/\n' > map.sh
