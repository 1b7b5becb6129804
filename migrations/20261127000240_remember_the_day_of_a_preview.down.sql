alter table mapping_previews drop column deciding_day;
