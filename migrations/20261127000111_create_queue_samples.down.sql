drop table queue_samples;
