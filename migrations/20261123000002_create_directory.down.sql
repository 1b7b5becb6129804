drop table key_failures, history, rejections, wakes, waiters, reporting_lines, team_members, teams, people;
