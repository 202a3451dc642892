-- SPDX-License-Identifier: BSD-3-Clause
-- run.lua - Pktgen sends on port 0 for some seconds, writes what it saw each second as CSV, and
-- quits. A case's file goes before it: pktgen ... -f config/pktgen/rst.pkt -f config/pktgen/run.lua
-- In the environment: PKTGEN_SECONDS (10), PKTGEN_CSV, a file (none), PKTGEN_MAC, riposte's Ethernet
-- address where it is not that of the case, and PKTGEN_STAY, seconds before it quits (0).

local port = 0
local seconds = tonumber(os.getenv("PKTGEN_SECONDS") or "10")
local csv = io.open(os.getenv("PKTGEN_CSV") or "/dev/null", "w")
local mac = os.getenv("PKTGEN_MAC")
local stay = tonumber(os.getenv("PKTGEN_STAY") or "0")

-- Lua's own clock is one of whole seconds, or of the processor.
local function now()
	local file = io.open("/proc/uptime")
	local uptime = file:read("n")
	file:close()
	return uptime
end

-- Pktgen looks at its counters once a second.
local function write(since)
	local stats = pktgen.portStats(tostring(port), "port")[port]
	csv:write(string.format("%.2f,%d,%d\n", now() - since, stats.opackets, stats.ipackets))
	csv:flush()
end

if mac then
	pktgen.range.dst_mac(tostring(port), "start", mac)
end
while not pktgen.linkState(tostring(port))[port]:find("UP") do
	pktgen.delay(100)
end

csv:write("seconds,sent,received\n")
pktgen.start(tostring(port))
-- It makes its packets first, which takes its time.
while pktgen.portStats(tostring(port), "port")[port].opackets == 0 do
	pktgen.delay(10)
end
local start = now()
while now() - start < seconds do
	pktgen.delay(math.min(1000, math.max(1, math.floor((start + seconds - now()) * 1000))))
	write(start)
end
pktgen.stop(tostring(port))
-- What is still under way comes, and is counted.
local stopped = now()
repeat
	pktgen.delay(1000)
	write(start)
until now() - stopped > 2.5 + stay
csv:close()
pktgen.quit()
