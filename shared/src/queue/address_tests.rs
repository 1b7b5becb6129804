use super::*;

fn refusal(url: &str) -> String {
    let error = Address::of(&RedisConfig::new(url, "p")).unwrap_err();
    let QueueError::Url(error) = error else {
        panic!("{error:?}")
    };
    error.to_string()
}

fn hosts(servers: &[ConnectionInfo]) -> Vec<String> {
    servers.iter().map(|server| server.addr().to_string()).collect()
}

#[test]
fn url_of_sentinels_names_them_their_login_and_the_masters() {
    let url = "redis+sentinel://joe:p%40ss@a,b:5000,[::1]/3?sentinel_username=sam&master_name=main&sentinel_password=s%26t";
    let Address::Sentinels {
        sentinels,
        name,
        master,
    } = parse(url).unwrap()
    else {
        panic!()
    };
    assert_eq!(hosts(&sentinels), ["a:26379", "b:5000", "::1:26379"]);
    assert_eq!(name, "main");
    for sentinel in &sentinels {
        let login = sentinel.redis_settings();
        assert_eq!(
            (login.username(), login.password(), login.db()),
            (Some("sam"), Some("s&t"), 0)
        );
    }
    let login = master.redis_settings();
    assert_eq!(
        (login.username(), login.password(), login.db()),
        (Some("joe"), Some("p@ss"), 3)
    );
}

#[test]
fn url_of_a_cluster_names_its_nodes_with_tls_where_it_says_so() {
    let Address::Cluster(nodes) = parse("rediss+cluster://:secret@a:7000,b?protocol=resp3").unwrap() else {
        panic!()
    };
    assert_eq!(hosts(&nodes), ["a:7000", "b:6379"]);
    for node in &nodes {
        assert!(matches!(node.addr(), redis::ConnectionAddr::TcpTls { .. }));
        assert_eq!(node.redis_settings().password(), Some("secret"));
        assert_eq!(node.redis_settings().protocol(), redis::ProtocolVersion::RESP3);
    }
}

#[test]
fn url_that_cannot_be_used_is_refused_with_the_reason() {
    assert!(refusal("redis+sentinel://a,b").contains("master_name"));
    assert!(refusal("redis+cluster://a,b/1").contains("database 0"));
    assert!(refusal("unix+cluster:///tmp/redis").contains("redis or rediss"));
    assert!(refusal("redis+cluster://a:port").contains("each host"));
    refusal("redis+sentinel://?master_name=main");
    refusal("http://a");
}

#[test]
fn files_without_tls_and_half_a_certificate_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, devstack::Authority::new().unwrap().pem()).unwrap();
    let with = |url: &str, files: RedisFiles<'_>| {
        Address::of(&RedisConfig::new(url, "p").with_files(files)).unwrap_err()
    };
    let authorities = RedisFiles {
        authorities: Some(&file),
        ..RedisFiles::default()
    };
    let plain = with("redis://a", authorities);
    assert!(
        matches!(&plain, QueueError::Url(error) if error.to_string().contains("rediss")),
        "{plain:?}"
    );
    let half = RedisFiles {
        certificate: Some(&file),
        ..RedisFiles::default()
    };
    let half = with("rediss://a", half);
    assert!(matches!(half, QueueError::Certificate(_)), "{half:?}");
}
