drop table paused_lanes;
