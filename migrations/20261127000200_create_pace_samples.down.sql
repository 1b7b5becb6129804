drop table pace_samples;
