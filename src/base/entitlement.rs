//! The catalogue of entitlements: which tag and which name a feature has on which family.

use serde::{Deserialize, Serialize};

use super::ident::Tag;
use super::platform::Family;

/// What an ASA can ask a licence for.
///
/// # Source
/// Seed, "ASA-rechten": standard tier, contexts, strong encryption, carrier (GTP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Feature {
    /// `feature tier standard`; everything else needs it first.
    Tier,
    /// `feature context N`.
    Context,
    /// `feature strong-encryption`.
    StrongEncryption,
    /// `feature carrier`, formerly `feature mobile-sp`.
    Carrier,
}

impl Feature {
    /// Every feature, in the order an ASA lists its entitlements.
    pub const ALL: [Feature; 4] =
        [Feature::Tier, Feature::Context, Feature::StrongEncryption, Feature::Carrier];

    /// Returns the heading of the feature's block in `show license entitlement`, without its colon.
    ///
    /// # Source
    /// Seed: `Feature tier`, `Strong encryption`. Client: kickstart `Context`, `Carrier`.
    pub const fn label(self) -> &'static str {
        match self {
            Feature::Tier => "Feature tier",
            Feature::Context => "Context",
            Feature::StrongEncryption => "Strong encryption",
            Feature::Carrier => "Carrier",
        }
    }

    /// Returns the feature that a tag stands for on any family, if the catalogue knows it.
    pub fn of_tag(tag: &Tag) -> Option<Feature> {
        CATALOGUE.iter().find(|row| row.tag == tag.as_str()).map(|row| row.feature)
    }
}

/// One row of the catalogue.
#[derive(Debug)]
pub struct Entitlement {
    pub family: Family,
    pub feature: Feature,
    /// The whole tag, as [`Tag::parse`] accepts it.
    pub tag: &'static str,
    /// Display name, which an agent learns from the authority's answer.
    pub name: &'static str,
    /// Most units one request may ask for.
    pub count_max: u32,
}

impl Entitlement {
    /// Returns the row for a feature of a family.
    pub fn find(family: Family, feature: Feature) -> Option<&'static Entitlement> {
        CATALOGUE.iter().find(|row| row.family == family && row.feature == feature)
    }

    /// Returns the row with this tag.
    pub fn of_tag(tag: &str) -> Option<&'static Entitlement> {
        CATALOGUE.iter().find(|row| row.tag == tag)
    }
}

/// Every entitlement that the lab's authority sells.
///
/// # Source
/// Seed: the two `regid.2015-10.com.cisco` tags and their names. The tags of the others are not
/// public, so theirs stand under the lab's own domain and cannot be taken for a vendor's.
pub static CATALOGUE: [Entitlement; 8] = [
    Entitlement {
        family: Family::Firepower4100,
        feature: Feature::Tier,
        tag: "regid.2015-10.com.cisco.FIREPOWER_4100_ASA_STANDARD,1.0_7d7f5ee2-1398-4b0e-aced-b3f7fb1cacfc",
        name: "Firepower 4100 ASA Standard",
        count_max: 1,
    },
    Entitlement {
        family: Family::Firepower4100,
        feature: Feature::Context,
        tag: "regid.2020-01.org.vfxos.FIREPOWER_4100_ASA_CONTEXTS,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0001",
        name: "Firepower 4100 ASA Security Contexts",
        count_max: 240,
    },
    Entitlement {
        family: Family::Firepower4100,
        feature: Feature::StrongEncryption,
        tag: "regid.2015-10.com.cisco.FIREPOWER_4100_ASA_ENCRYPTION,1.0_052986db-c5ad-40da-97b1-ee0438d3b2c9",
        name: "Firepower 4100 ASA Strong Encryption (3DES/AES)",
        count_max: 1,
    },
    Entitlement {
        family: Family::Firepower4100,
        feature: Feature::Carrier,
        tag: "regid.2020-01.org.vfxos.FIREPOWER_4100_ASA_CARRIER,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0002",
        name: "Firepower 4100 ASA Carrier",
        count_max: 1,
    },
    Entitlement {
        family: Family::Firepower9300,
        feature: Feature::Tier,
        tag: "regid.2020-01.org.vfxos.ASA-SSP-STD,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0003",
        name: "Firepower 9300 ASA Standard",
        count_max: 1,
    },
    Entitlement {
        family: Family::Firepower9300,
        feature: Feature::Context,
        tag: "regid.2020-01.org.vfxos.ASA-SSP-CTX,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0004",
        name: "Firepower 9300 ASA Security Contexts",
        count_max: 240,
    },
    Entitlement {
        family: Family::Firepower9300,
        feature: Feature::StrongEncryption,
        tag: "regid.2020-01.org.vfxos.ASA-SSP-ENCRYPTION,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0005",
        name: "Firepower 9300 ASA Strong Encryption (3DES/AES)",
        count_max: 1,
    },
    Entitlement {
        family: Family::Firepower9300,
        feature: Feature::Carrier,
        tag: "regid.2020-01.org.vfxos.ASA-SSP-CARRIER,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0006",
        name: "Firepower 9300 ASA Carrier",
        count_max: 1,
    },
];

/// A permanent licence for all that one family can do: what a reservation takes. Blades never ask
/// for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Universal {
    pub family: Family,
    /// What a shop calls it.
    pub sku: &'static str,
    /// A tag of the lab's own, so that accounts can hold a pool of it.
    pub tag: &'static str,
    pub name: &'static str,
}

/// Every universal licence that the lab's authority sells.
///
/// # Source
/// The stock-keeping units are public; names and tags are ours.
pub static UNIVERSAL: [Universal; 2] = [
    Universal {
        family: Family::Firepower4100,
        sku: "L-FPR4K-ASA-BPU=",
        tag: "regid.2020-01.org.vfxos.FPR4K-ASA-BPU,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0007",
        name: "Firepower 4100 ASA Universal",
    },
    Universal {
        family: Family::Firepower9300,
        sku: "L-FPR9K-ASA-BPU=",
        tag: "regid.2020-01.org.vfxos.FPR9K-ASA-BPU,1.0_0b6c1f52-6f3a-5a6e-9d5b-4c1e6a7f0008",
        name: "Firepower 9300 ASA Universal",
    },
];

impl Universal {
    /// Returns the row of a family.
    pub fn find(family: Family) -> Option<&'static Universal> {
        UNIVERSAL.iter().find(|row| row.family == family)
    }

    /// Returns the short name of its tag, `FPR4K-ASA-BPU`.
    pub fn short_name(&self) -> String {
        Tag::parse(self.tag).map_or(String::new(), |tag| tag.short_name().to_owned())
    }
}

/// One kind of licence that an account can hold a pool of: an entitlement, or a universal licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    pub tag: &'static str,
    pub name: &'static str,
}

impl Product {
    /// Returns everything that is sold, entitlements first.
    pub fn all() -> impl Iterator<Item = Product> {
        let entitlements = CATALOGUE.iter().map(|row| Product { tag: row.tag, name: row.name });
        let universal = UNIVERSAL.iter().map(|row| Product { tag: row.tag, name: row.name });
        entitlements.chain(universal)
    }

    /// Returns the product with this tag.
    pub fn of_tag(tag: &str) -> Option<Product> {
        Product::all().find(|product| product.tag == tag)
    }

    /// Returns the product whose tag has this short name, letters in either case.
    pub fn of_short_name(name: &str) -> Option<Product> {
        Product::all().find(|product| {
            Tag::parse(product.tag).is_ok_and(|tag| tag.short_name().eq_ignore_ascii_case(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_a_tag_of_its_own() {
        for product in Product::all() {
            let tag = Tag::parse(product.tag).unwrap();
            assert_eq!(Product::of_short_name(tag.short_name()), Some(product));
            assert_eq!(Product::all().filter(|other| other.tag == product.tag).count(), 1);
        }
        for row in &UNIVERSAL {
            assert_eq!(Universal::find(row.family), Some(row));
            assert!(row.sku.contains(&row.short_name()), "{}", row.sku);
        }
    }

    #[test]
    fn every_row_parses_and_is_found_again() {
        for row in &CATALOGUE {
            let tag = Tag::parse(row.tag).unwrap();
            assert_eq!(Feature::of_tag(&tag), Some(row.feature));
            let again = Product::of_short_name(&tag.short_name().to_lowercase()).unwrap();
            assert_eq!(again.tag, row.tag);
            let found = Entitlement::find(row.family, row.feature).unwrap();
            assert_eq!(found.tag, row.tag);
        }
    }
}
