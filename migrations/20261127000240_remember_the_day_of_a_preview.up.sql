-- The day that dates were compared with when the preview was asked for; null where they decided nothing. A preview
-- of another day, or of other settings, is not what would happen now.
alter table mapping_previews add column deciding_day date;
