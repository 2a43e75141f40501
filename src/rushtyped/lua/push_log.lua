-- Append a batch of records to the log of a worker, which need not be registered.
-- KEYS[1] meta hash
-- KEYS[2] worker:<id>:log list
-- KEYS[3] logs hash
-- ARGV[1] worker id
-- ARGV[2] number of the last record of the batch, counted over all that the worker ever wrote
-- ARGV[3] how many records to keep, at least 1
-- ARGV[4...] the records, oldest first
-- Returns the number of the last record that is written; a repeat, whose number is not above it,
--   writes nothing; neither does one of a network that has gone
-- include append, expire, network
local meta, log, logs = KEYS[1], KEYS[2], KEYS[3]
local worker_id, number, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local at = network(meta)
if redis.call('EXISTS', meta) == 0 then return number end
local written = tonumber(redis.call('HGET', logs, worker_id) or 0)
if number <= written then return written end
local records = {}
for i = 4, #ARGV do records[#records + 1] = ARGV[i] end
append('RPUSH', log, records)
redis.call('LTRIM', log, -limit, -1)
redis.call('HSET', logs, worker_id, ARGV[2])
expire(at, log)
if redis.call('HLEN', logs) == 1 then expire(at, logs) end
return number
