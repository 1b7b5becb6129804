alter table rejections drop column discarded_note, drop column discarded_by, drop column discarded_at;
