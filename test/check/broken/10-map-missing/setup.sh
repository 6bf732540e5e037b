rm map.sh
