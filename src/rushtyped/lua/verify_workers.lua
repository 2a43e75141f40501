-- Check that workers are where they belong; mend what has one right answer where asked to.
-- KEYS[1] workers set
-- KEYS[2] running_workers set
-- KEYS[3] terminated_workers set
-- KEYS[4] meta hash
-- ARGV[1] prefix of the network's keys
-- ARGV[2] 1 to mend, 0 to look only
-- ARGV[3...] worker ids
-- Returns {worker id, problem, the key where it is, 1 where it was mended, ...}
-- include expire, network
local workers, running_workers, terminated_workers = KEYS[1], KEYS[2], KEYS[3]
local meta = KEYS[4]
local prefix, mend = ARGV[1], ARGV[2] == '1'
local found = {}

local function report(worker_id, problem, where, command, ...)
  local done = mend and command and 1 or 0
  if done == 1 then redis.call(command, where, ...) end
  for _, part in ipairs({worker_id, problem, where, done}) do found[#found + 1] = part end
end

for i = 3, #ARGV do
  local worker_id = ARGV[i]
  local record = prefix .. 'worker:' .. worker_id
  local lease = record .. ':heartbeat'
  local known = redis.call('SISMEMBER', workers, worker_id) == 1
  local runs = redis.call('SISMEMBER', running_workers, worker_id) == 1
  local ended = redis.call('SISMEMBER', terminated_workers, worker_id) == 1
  if not known and (runs or ended) then
    report(worker_id, 'unlisted', workers, 'SADD', worker_id)
  elseif known and not runs and not ended then
    report(worker_id, 'unlisted', terminated_workers, 'SADD', worker_id)
  end
  if runs and ended then
    -- who has ended never runs again
    report(worker_id, 'listed_twice', running_workers, 'SREM', worker_id)
  end
  if (known or runs or ended) and redis.call('EXISTS', record) == 0 then
    report(worker_id, 'hash_missing', record)
  end
  if (known or ended) and (ended or not runs) and redis.call('EXISTS', lease) == 1 then
    report(worker_id, 'lease_of_ended', lease, 'DEL')
  end
end
if #found > 0 then expire(network(meta), workers, terminated_workers) end
return found
