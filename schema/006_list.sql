-- For a list of one group's experiments of one state: from a hundred thousand without looking at all.
CREATE INDEX experiment_by_group_and_status ON experiment ("group", status);
