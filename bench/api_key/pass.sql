-- One pass: each way, one after another.
CALL api_key_bench.measure('plain', 20000);
CALL api_key_bench.measure('limited', 20000);
CALL api_key_bench.measure('lookup', 20000);
CALL api_key_bench.measure('lookup and count', 10000);
CALL api_key_bench.measure('mistyped', 100000);
