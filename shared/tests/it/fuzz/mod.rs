//! The kept cases of the fuzzer, replayed.

mod checks;

use checks::CHECKS;
use std::path::Path;

#[test]
fn kept_cases_of_the_fuzzer_all_hold() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus-kept");
    for (name, check) in CHECKS {
        let mut cases = 0;
        for entry in std::fs::read_dir(corpus.join(name)).unwrap() {
            let path = entry.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            println!("{}", path.display());
            check(&data);
            cases += 1;
        }
        assert!(cases >= 5, "only {cases} cases of {name} are kept");
    }
}
