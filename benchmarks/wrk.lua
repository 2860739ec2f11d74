-- Posts the bodies of a file, a line each, in turn: wrk -s wrk.lua URL -- FILE [HEADER VALUE]...
-- In the end it prints its figures as one line of JSON; times are in microseconds, as wrk has them.

local requests = {}
local turn = 0

function init(arguments)
  local headers = {["Content-Type"] = "application/json"}
  for at = 2, #arguments, 2 do
    headers[arguments[at]] = arguments[at + 1]
  end
  for body in io.lines(arguments[1]) do
    -- formatted once, so that a request costs wrk no more than a look-up
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
