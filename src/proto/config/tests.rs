use super::*;

/// One session's way to an object: how it asks for it, and a value it gives.
#[derive(Clone, Copy)]
enum Ask {
    Create(&'static str),
    Enter(&'static str),
}

/// Makes an NTP server, with a key id.
fn ask(pending: &mut Pending, tree: &Tree, ask: Ask) {
    let path = services("ntp-server", "192.0.2.1");
    let (made, id) = match ask {
        Ask::Create(id) => (pending.create(tree, &path, &[]), id),
        Ask::Enter(id) => (pending.enter(tree, &path, &[]), id),
    };
    made.unwrap();
    pending.set(tree, &path, (schema::Verb::Set, "ntp-sha1-key-id"), id).unwrap();
}

fn services(class: &str, key: &str) -> Path {
    Path::find(&[("system", &[]), ("services", &[]), (class, &[key])]).unwrap()
}

#[test]
fn a_commit_is_all_or_nothing_and_a_conflict_is_refused() {
    let mut tree = Tree::factory(&Factory::default());
    let (mut one, mut two) = (Pending::default(), Pending::default());
    let (server, other) = (services("dns", "192.0.2.1"), services("dns", "192.0.2.2"));
    one.create(&tree, &server, &[]).unwrap();
    two.create(&tree, &server, &[]).unwrap();
    two.create(&tree, &other, &[]).unwrap();
    assert!(one.is_dirty() && !tree.objects().exists(&server));
    assert_eq!(tree.commit(&mut one).unwrap().len(), 1);
    assert!(tree.objects().exists(&server) && !one.is_dirty());

    let verified = tree.verify(&two).unwrap_err();
    let refused = tree.commit(&mut two).unwrap_err();
    assert_eq!(refused, verified, "`verify-only` says what a commit would");
    let text = "Error: Update failed: [Cannot create; object already exists: \
                /system/services/dns 192.0.2.1. Use discard-buffer, then enter.]";
    assert_eq!(refused.device_text(), text);
    assert!(!tree.objects().exists(&other), "nothing of it was done");
    assert!(two.is_dirty(), "and the changes are still pending");
    two.discard();
    two.enter(&tree, &server, &[]).unwrap();
    assert!(!two.is_dirty(), "what it was told to do works");
}

#[test]
fn two_sessions_may_want_the_same_object() {
    use Ask::{Create, Enter};
    // What the first commits, what the second then commits, and what it is answered.
    let table = [
        (Create("1"), Create("1"), "Cannot create; object already exists"),
        (Enter("1"), Create("1"), "Cannot create; object already exists"),
        (Create("1"), Enter("1"), ""),
        (Enter("1"), Enter("1"), ""),
        (Create("1"), Enter("2"), "ntp-server 192.0.2.1 was changed by another session"),
    ];
    for (row, (first, second, want)) in table.into_iter().enumerate() {
        let mut tree = Tree::factory(&Factory::default());
        let (mut one, mut two) = (Pending::default(), Pending::default());
        ask(&mut one, &tree, first);
        ask(&mut two, &tree, second);
        tree.commit(&mut one).unwrap();
        let answer = tree.commit(&mut two).err().map_or(String::new(), |error| error.device_text());
        assert!(answer.contains(want) && answer.is_empty() == want.is_empty(), "{row}: {answer}");
    }
}

#[test]
fn only_what_is_still_created_must_be_new() {
    let mut tree = Tree::factory(&Factory::default());
    let (mut one, mut two) = (Pending::default(), Pending::default());
    let server = services("dns", "192.0.2.1");
    one.create(&tree, &server, &[]).unwrap();
    two.create(&tree, &server, &[]).unwrap();
    two.delete(&tree, &server).unwrap();
    two.enter(&tree, &server, &[]).unwrap();
    tree.commit(&mut one).unwrap();
    assert_eq!(tree.commit(&mut two), Ok(Vec::new()));

    // Deleted and created again in one transaction is an object that was there all along.
    two.delete(&tree, &server).unwrap();
    two.create(&tree, &server, &[]).unwrap();
    assert_eq!(tree.commit(&mut two), Ok(Vec::new()));
}

#[test]
fn what_flash_holds_is_the_tree_again() {
    let mut tree = Tree::factory(&Factory::default());
    let mut pending = Pending::default();
    let path = services("dns", "192.0.2.9");
    pending.create(&tree, &path, &[]).unwrap();
    tree.commit(&mut pending).unwrap();
    let again = Tree::restore(&tree.stored(), &Factory::default()).unwrap();
    assert_eq!(again.stored(), tree.stored());
    assert_eq!(facts::dns_servers(again.objects()).len(), 1);
}

#[test]
fn the_factory_knows_the_domain_of_the_first_boot_dialog() {
    let factory = Factory { domain: "lab.example".to_owned(), ..Factory::default() };
    assert_eq!(facts::domain_name(Tree::factory(&factory).objects()), "lab.example");
    assert_eq!(facts::domain_name(Tree::factory(&Factory::default()).objects()), "");
}
