use super::*;

/// Every change of a session: what is typed, and whether the tree then has it.
#[test]
fn a_commit_is_all_or_nothing_and_a_conflict_is_refused() {
    let mut tree = Tree::factory(&Factory::default());
    let (mut one, mut two) = (Pending::default(), Pending::default());
    let server = |address: &str| {
        let key = [address];
        Path::find(&[("system", &[]), ("services", &[]), ("dns", &key)]).unwrap()
    };
    one.create(&tree, &server("192.0.2.1"), &[]).unwrap();
    two.create(&tree, &server("192.0.2.1"), &[]).unwrap();
    assert!(one.is_dirty() && !tree.objects().exists(&server("192.0.2.1")));
    assert_eq!(tree.commit(&mut one).unwrap().len(), 1);
    assert!(tree.objects().exists(&server("192.0.2.1")) && !one.is_dirty());
    assert!(tree.commit(&mut two).is_err(), "the other session made it meanwhile");
    two.discard();
    assert!(!two.is_dirty());
}

#[test]
fn what_flash_holds_is_the_tree_again() {
    let mut tree = Tree::factory(&Factory::default());
    let mut pending = Pending::default();
    let path = Path::find(&[("system", &[]), ("services", &[]), ("dns", &["192.0.2.9"])]).unwrap();
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
