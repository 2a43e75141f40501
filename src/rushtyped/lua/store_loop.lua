-- Keep a worker loop for the workers that are to run it.
-- KEYS[1] meta hash
-- KEYS[2] loop:<sha256> string
-- KEYS[3] loops set
-- ARGV[1] SHA-256 of the loop, in hexadecimal digits
-- ARGV[2] the signed loop
-- Returns 1, -1 where there is no network any more
-- include expire, network
local meta, loop, loops = KEYS[1], KEYS[2], KEYS[3]
local digest, signed = ARGV[1], ARGV[2]
local at, exists = network(meta)
if not exists then return -1 end
redis.call('SET', loop, signed)
expire(at, loop)
redis.call('SADD', loops, digest)
if redis.call('SCARD', loops) == 1 then expire(at, loops) end
return 1
