use super::*;

fn refused(change: impl Fn(String) -> String) -> String {
    Topology::parse(&change(DEFAULT.to_owned()), "t.toml").unwrap_err().to_string()
}

#[test]
fn the_default_is_the_seed_s_chassis() {
    let topology = Topology::built_in().unwrap();
    let chassis = &topology.chassis[0];
    assert_eq!((chassis.name.as_str(), chassis.model.model), ("FPR4125-1", "FPR-4125"));
    assert_eq!((chassis.address.to_string().as_str(), chassis.prefix_len), ("10.62.148.225", 24));
    assert_eq!(chassis.blades[0].serial, "FCH12345ABC");
    assert_eq!(topology.authority.addresses.len(), 2);
}

#[test]
fn a_count_makes_chassis_with_names_addresses_and_serials_of_their_own() {
    let text = DEFAULT.replace("gateway =", "count = 25\ngateway =");
    let topology = Topology::parse(&text, "t.toml").unwrap();
    assert_eq!(topology.chassis.len(), 25);
    assert_eq!(topology.chassis[24].name, "FPR4125-1-25");
    assert_eq!(topology.chassis[24].address.to_string(), "10.62.148.249");
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_remedy() {
    let cases = [
        ("dns = [\"172.16.200.100\"]", "colour = 1", "unknown field `colour`"),
        ("172.18.108.15\"]", "172.18.108.14\"]", "both have 172.18.108.14"),
        ("\"10.62.148.225/24\"", "\"10.62.148.129/24\"", "both have 10.62.148.129"),
        ("\"10.62.148.225/24\"", "\"10.62.148.225\"", "is not A.B.C.D/LEN"),
        ("\"10.62.148.225/24\"", "\"10.63.148.225/24\"", "gateway 10.62.148.129 is not on its"),
        ("FPR-4125\"", "FPR-9999\"", "no model \"FPR-9999\"; there are FPR-4110"),
        ("slot = 1", "slot = 2", "no slot 2; FPR-4125 has 1"),
        ("clock = \"now\"", "clock = \"soon\"", "is no date; write 2020-08-04T07:58:13Z"),
        ("name = \"FPR4125-1\"", "name = \"a b\"", "chassis name \"a b\" is not"),
        ("172.16.200.100\"\n#", "10.62.148.3\"\n#", "inside the management network"),
        ("gateway =", "count = 40\ngateway =", "count = 40 leaves its network"),
        (
            "[[chassis.blade]]",
            "[[chassis.blade]]\nslot = 1\n[[chassis.blade]]",
            "two blades in slot 1",
        ),
        ("[dns]", "[dns", "line "),
        ("\"vfxos Lab\"", "\"\"", "authority.smart_account and authority.virtual_account"),
        ("\"Default\"", "\"De\\nfault\"", "1 to 64 printable"),
        ("gateway =", "domain = \"a b\"\ngateway =", "domain \"a b\" is no domain name"),
        ("name = \"FPR4125-1\"", "name = \"..\"", "chassis name \"..\" is not"),
        ("\"JAD12345678\"", "\"JAD\\n1\"", "serial number \"JAD\\n1\" of FPR4125-1"),
        ("\"FCH12345ABC\"", "\"\"", "serial number \"\" of FPR4125-1"),
        ("\"FCH12345ABC\"", "\"JAD12345678\"", "JAD12345678 is given twice"),
        (
            "[[chassis]]",
            "[[satellite]]\nname = \"..\"\naddress = \"10.9.9.9\"\n[[chassis]]",
            "satellite name \"..\" is no host name",
        ),
        (
            "[[chassis]]",
            "[[satellite]]\nname = \"Tools.cisco.com\"\naddress = \"10.9.9.9\"\n[[chassis]]",
            "two authorities are named Tools.cisco.com",
        ),
        (
            "[[chassis]]",
            "[[satellite]]\nname = \"s\"\naddress = \"172.16.200.100\"\n[[chassis]]",
            "both have 172.16.200.100",
        ),
        (
            "[[chassis]]",
            "[[satellite]]\nname = \"s\"\naddress = \"10.62.148.7\"\n[[chassis]]",
            "inside the management network",
        ),
        (
            "[[chassis]]",
            "[[satellite]]\nname = \"s\"\naddress = \"10.9.9.9\"\nversion = \"x\"\n[[chassis]]",
            "not a release such as 2.3.0",
        ),
    ];
    for (from, to, want) in cases {
        let said = refused(|text| {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            changed
        });
        assert!(said.starts_with("topology t.toml: ") && said.contains(want), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_satellite_has_a_release() {
    let row = "[[satellite]]\nname = \"s.lab\"\naddress = \"10.9.9.9\"\n";
    for (version, want) in [("", "8.0.0"), ("version = \"2.2\"\n", "2.2.0")] {
        let text = DEFAULT.replace("[[chassis]]", &format!("{row}{version}[[chassis]]"));
        let topology = Topology::parse(&text, "t.toml").unwrap();
        assert_eq!(topology.satellites[0].version.to_string(), want);
    }
}

#[test]
fn a_missing_file_is_named() {
    let said = Topology::read(Path::new("no/such.toml")).unwrap_err().to_string();
    assert!(said.contains("no/such.toml") && said.contains("--print-topology"), "{said}");
}
