\set payment random(:first, :first + 9)
SELECT bench.ask(:payment);
