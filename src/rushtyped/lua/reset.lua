-- Begin a network anew: drop all tasks, and with them workers and schemas where asked to.
-- KEYS[1] meta hash
-- KEYS[2] all list
-- KEYS[3] queue list
-- KEYS[4] running zset
-- KEYS[5] finished list
-- KEYS[6] failed zset
-- KEYS[7] workers set
-- KEYS[8] running_workers set
-- KEYS[9] terminated_workers set
-- KEYS[10] hashes set
-- KEYS[11] loops set
-- KEYS[12] trash list
-- KEYS[13] events stream
-- KEYS[14] logs hash
-- KEYS[15] trash_hashes set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] new epoch; a repeat has the same
-- ARGV[3] 1 to drop the workers, 0 to keep them
-- Returns 1, or 0 where the trash of an earlier reset has to be swept first
-- include announce, expire
local meta, all, queue, running, finished, failed = unpack(KEYS, 1, 6)
local workers, running_workers, terminated_workers, hashes = unpack(KEYS, 7, 10)
local loops, trash, events, logs, trash_hashes = unpack(KEYS, 11, 15)
local prefix, epoch, drop_workers = ARGV[1], ARGV[2], ARGV[3] == '1'
local kinds = {{'hash', meta, logs}, {'zset', running, failed}, {'stream', events},
  {'list', all, queue, finished, trash},
  {'set', workers, running_workers, terminated_workers, hashes, loops, trash_hashes}}
for _, names in ipairs(kinds) do
  for i = 2, #names do
    -- what something else has put there would stop this halfway
    if redis.call('TYPE', names[i]).ok ~= names[1] then redis.call('UNLINK', names[i]) end
  end
end
if redis.call('HGET', meta, 'epoch') == epoch then return 1 end
if redis.call('EXISTS', trash, trash_hashes) > 0 then return 0 end
local kept = redis.call('HMGET', meta, 'max_tasks', 'max_seconds', 'version', 'schemas')
local at = redis.call('HGET', meta, 'expires_at')
if redis.call('EXISTS', all) == 1 then redis.call('RENAME', all, trash) end
if redis.call('EXISTS', hashes) == 1 then redis.call('RENAME', hashes, trash_hashes) end
redis.call('UNLINK', meta, queue, running, finished, failed)
redis.call('HSET', meta, 'epoch', epoch)
if kept[1] then redis.call('HSET', meta, 'max_tasks', kept[1]) end
if kept[2] then redis.call('HSET', meta, 'max_seconds', kept[2]) end
if kept[4] and not drop_workers then
  redis.call('HSET', meta, 'version', kept[3], 'schemas', kept[4])
end
if at then redis.call('HSET', meta, 'expires_at', at) end
expire(at, meta)
for _, worker_id in ipairs(redis.call('SMEMBERS', workers)) do
  local worker = prefix .. 'worker:' .. worker_id
  redis.call('UNLINK', worker .. ':tasks', worker .. ':pending')
  if drop_workers then
    redis.call('UNLINK', worker, worker .. ':heartbeat', worker .. ':terminate', worker .. ':kill')
  end
end
if drop_workers then
  for _, digest in ipairs(redis.call('SMEMBERS', loops)) do
    redis.call('UNLINK', prefix .. 'loop:' .. digest)
  end
  local counts = redis.call('HGETALL', logs)
  for i = 1, #counts, 2 do
    redis.call('UNLINK', prefix .. 'worker:' .. counts[i] .. ':log')
  end
  redis.call('UNLINK', workers, running_workers, terminated_workers, loops, logs)
end
announce(events, 'reset', 0, '')
return 1
