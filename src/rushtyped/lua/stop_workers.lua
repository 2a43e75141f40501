-- Ask running workers to end.
-- KEYS[1] meta hash
-- KEYS[2] running_workers set
-- KEYS[3] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] terminate or kill
-- ARGV[3...] worker ids; none for all that run
-- Returns the ids that were asked; those that do not run are left out
-- include announce, expire, network
local meta, running_workers, events = KEYS[1], KEYS[2], KEYS[3]
local prefix, how = ARGV[1], ARGV[2]
local ids = {}
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then ids = redis.call('SMEMBERS', running_workers) end
local at = network(meta)
local asked = {}
for _, worker_id in ipairs(ids) do
  if redis.call('SISMEMBER', running_workers, worker_id) == 1 then
    local worker = prefix .. 'worker:' .. worker_id
    -- a kill is never taken back
    if redis.call('GET', worker .. ':terminate') ~= 'kill' then
      redis.call('SET', worker .. ':terminate', how)
    end
    -- wakes the process that renews the lease, which kills it where this manager cannot
    if how == 'kill' then redis.call('LPUSH', worker .. ':kill', how) end
    expire(at, worker .. ':terminate', worker .. ':kill')
    asked[#asked + 1] = worker_id
  end
end
if #asked > 0 then announce(events, 'stop', #asked, '') end
return asked
