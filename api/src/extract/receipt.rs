use uuid::Uuid;

/// Reads `{txn}` or `{txn}:{index}`: a request, or one operation of a bulk request.
pub(crate) fn parse_receipt(text: &str) -> Option<(Uuid, Option<i32>)> {
    match text.split_once(':') {
        None => Some((Uuid::try_parse(text).ok()?, None)),
        Some((txn, index)) => Some((Uuid::try_parse(txn).ok()?, Some(index.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_receipt_with_and_without_index() {
        let txn = Uuid::from_u128(7);
        assert_eq!(parse_receipt(&txn.to_string()), Some((txn, None)));
        assert_eq!(parse_receipt(&format!("{txn}:12")), Some((txn, Some(12))));
        for wrong in [
            "",
            "x",
            ":1",
            &format!("{txn}:"),
            &format!("{txn}:-"),
            &format!("{txn}:99999999999"),
        ] {
            assert_eq!(parse_receipt(wrong), None, "{wrong}");
        }
    }
}
