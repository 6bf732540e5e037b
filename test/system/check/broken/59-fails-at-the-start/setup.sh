printf '#!/bin/sh\necho no database today >&2\nexit 3\n' > map.sh
