-- Record the schemas of a network's first user, or compatible ones in place of those known.
-- KEYS[1] meta hash
-- ARGV[1] version of the wire format
-- ARGV[2] epoch, used where the network has none
-- ARGV[3] schemas
-- ARGV[4] the stored schemas that these may replace ('' for none)
-- Returns {version, epoch, schemas} as they are stored now
local meta = KEYS[1]
local version, epoch, schemas, known = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('HSETNX', meta, 'version', version)
redis.call('HSETNX', meta, 'epoch', epoch)
redis.call('HSETNX', meta, 'schemas', schemas)
if redis.call('HGET', meta, 'schemas') == known then redis.call('HSET', meta, 'schemas', schemas) end
return redis.call('HMGET', meta, 'version', 'epoch', 'schemas')
