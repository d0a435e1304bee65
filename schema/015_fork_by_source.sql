-- Whenever a checkpoint of an experiment has come, its forks are asked for that still wait for theirs.
CREATE INDEX fork_by_source ON fork (source);
