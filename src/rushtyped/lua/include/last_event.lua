-- Id of the newest event, to wait for the next one from.
local function last_event(events)
  local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)
  return newest[1] and newest[1][1] or '0-0'
end
