-- Live messages and moved ones: whichever table a message is in, it counts once.
SELECT * FROM live
UNION ALL
SELECT * FROM old
