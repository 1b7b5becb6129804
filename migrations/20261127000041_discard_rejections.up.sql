-- A rejection an operator has settled by hand: kept out of lists and counts until the value changes.
alter table rejections
    add column discarded_at timestamptz,
    add column discarded_by uuid,            -- the token
    add column discarded_note text;          -- the operator's words
