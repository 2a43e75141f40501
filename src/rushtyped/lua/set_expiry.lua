-- Note when the network is to vanish, or that it is to stay.
-- KEYS[1] meta hash
-- KEYS[2] events stream
-- ARGV[1] milliseconds from now ('' to stay)
-- Returns the moment, in milliseconds since 1970 ('' to stay); -1 where there is no network any more
-- include clock, announce, network
local meta, events = KEYS[1], KEYS[2]
local milliseconds = ARGV[1]
local _, exists = network(meta)
if not exists then return -1 end
announce(events, 'expire', 0, '')
if milliseconds == '' then
  redis.call('HDEL', meta, 'expires_at')
  return ''
end
local at = string.format('%.0f', math.floor(clock() / 1000) + milliseconds)
redis.call('HSET', meta, 'expires_at', at)
return at
