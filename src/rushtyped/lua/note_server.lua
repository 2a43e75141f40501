-- Note the server that the network is on, where one of its workers has registered on another.
-- KEYS[1] meta hash
-- KEYS[2] worker:<id> hash
-- ARGV[1] id of the server's process
-- Returns the microseconds since it was found to be on this server, -1 where it was on no other
-- include clock
local meta, worker = KEYS[1], KEYS[2]
local server = ARGV[1]
local known = redis.call('HMGET', meta, 'epoch', 'server', 'server_since')
local before = known[2] or redis.call('HGET', worker, 'server') or server
local now, text = clock()
if known[1] and before ~= server then
  redis.call('HSET', meta, 'server', server, 'server_since', text)
  return 0
end
return known[3] and now - known[3] or -1
