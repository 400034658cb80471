use super::*;
use crate::domain::audit::Actor;

/// An event of which only what was done is told.
struct Told(WorkspaceId, Deed);

impl Told {
    fn new(action: &str) -> Self {
        Self(WorkspaceId::parse("ws").unwrap(), Deed::new(&Actor::System, action, "target", &[], None))
    }

    fn content(&self) -> Content<'_> {
        Content { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", at: at(0), workspace: &self.0, deed: &self.1 }
    }
}

fn key(byte: u8) -> ChainKey {
    ChainKey::of(&ChainKey::made_of([byte; 32])).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Events of one lane with these contents, a second apart.
fn chain(contents: &[&'static str]) -> Vec<(Link, &'static str)> {
    let mut head = Head::first(at(0));
    let mut links = Vec::new();
    for (content, second) in contents.iter().zip(1..) {
        let link = Link::behind(Some(&key(1)), &Tip::Sound(head), 3, Told::new(content).content());
        head = Head { seq: link.seq, hash: link.hash, at: at(second) };
        links.push((link, *content));
    }
    links
}

fn head(events: &[(Link, &str)]) -> Head {
    let last = &events.last().unwrap().0;
    Head { seq: last.seq, hash: last.hash, at: at(last.seq.try_into().unwrap()) }
}

fn walked(mut walk: Walk, events: &[(Link, &str)]) -> Result<Walk, (usize, Break)> {
    for (index, (link, content)) in events.iter().enumerate() {
        walk.step(&key(1), None, Some(link), Told::new(content).content()).map_err(|wrong| (index, wrong))?;
        walk = Walk::parse(&walk.to_string()).unwrap();
    }
    Ok(walk)
}

fn from_first() -> Walk {
    Walk::new(true, at(0))
}

#[test]
fn a_whole_chain_is_intact_from_its_beginning_and_from_anywhere() {
    let events = chain(&["a", "b", "c"]);
    assert!(walked(from_first(), &events).is_ok());
    assert!(walked(Walk::new(false, at(2)), &events[1..]).is_ok());
}

#[test]
fn an_altered_a_missing_and_a_moved_event_show_where_they_are() {
    let events = chain(&["a", "b", "c"]);
    let mut altered = events.clone();
    altered[1].1 = "B";
    assert_eq!(walked(from_first(), &altered), Err((1, Break::Altered)));
    let without = [events[0].clone(), events[2].clone()];
    assert_eq!(walked(from_first(), &without), Err((1, Break::Missing)));
    let moved = [events[0].clone(), events[2].clone(), events[1].clone()];
    assert_eq!(walked(from_first(), &moved), Err((1, Break::Missing)));
    assert_eq!(walked(from_first(), &events[1..]), Err((0, Break::Missing)));
}

#[test]
fn what_is_removed_from_the_beginning_shows_unless_it_is_kept_no_longer() {
    let events = chain(&["a", "b", "c"]);
    assert_eq!(walked(Walk::new(false, at(2)), &events[2..]), Err((0, Break::Missing)), "the second was to be kept");
    assert!(walked(Walk::new(false, at(3)), &events[2..]).is_ok());
}

#[test]
fn who_has_not_the_key_makes_no_chain_that_fits() {
    let mut events = chain(&["a", "b", "c"]);
    let before = Tip::Sound(Head { seq: 1, hash: events[0].0.hash, at: at(1) });
    for forged in [None, Some(&key(2))] {
        events[1] = (Link::behind(forged, &before, 3, Told::new("forged").content()), "forged");
        assert_eq!(walked(from_first(), &events), Err((1, Break::Altered)));
    }
    let (workspace, last) = (WorkspaceId::parse("ws").unwrap(), head(&events));
    let signed = key(1).of_head(&workspace, 3, &last);
    assert_ne!(signed, key(2).of_head(&workspace, 3, &last));
    assert_ne!(signed, key(1).of_head(&workspace, 4, &last));
    assert_ne!(signed, key(1).of_head(&workspace, 3, &Head { seq: 2, ..last }));
}

#[test]
fn what_was_written_behind_a_broken_head_shows_for_good() {
    let events = chain(&["a"]);
    for broken in [None, Some(head(&events)), Some(Head::first(at(0)))] {
        let link = Link::behind(Some(&key(1)), &Tip::Broken(broken), 3, Told::new("later").content());
        for walk in [from_first(), Walk::new(false, at(100))] {
            assert_eq!(walked(walk, &[(link.clone(), "later")]), Err((0, Break::Missing)));
        }
    }
}

#[test]
fn an_end_that_is_cut_off_shows_by_the_head_from_wherever_it_is_looked_at() {
    let events = chain(&["a", "b", "c"]);
    let head = head(&events);
    let reaches = |walk: Walk, head: Option<&Head>| walk.reaches(3, head, None);
    assert_eq!(reaches(walked(from_first(), &events).unwrap(), Some(&head)), Ok(()));
    assert_eq!(reaches(walked(from_first(), &events[..2]).unwrap(), Some(&head)), Err(Break::CutOff));
    assert_eq!(reaches(from_first(), Some(&head)), Err(Break::CutOff));
    assert_eq!(reaches(Walk::new(false, at(3)), Some(&head)), Err(Break::CutOff), "all of it since then");
    assert_eq!(reaches(Walk::new(false, at(4)), Some(&head)), Ok(()), "nothing happened since then");
    assert_eq!(reaches(from_first(), None), Err(Break::CutOff), "the lane is gone as a whole");
    assert_eq!(reaches(from_first(), Some(&Head::first(at(0)))), Ok(()));
    let other = Head { hash: NOTHING, ..head };
    assert_eq!(reaches(walked(from_first(), &events).unwrap(), Some(&other)), Err(Break::Altered));
}

#[test]
fn a_witness_knows_what_was_put_back_to_how_it_was() {
    let events = chain(&["a", "b", "c"]);
    let witness = |of: &[(Link, &str)]| {
        let heads: Vec<Option<Head>> = (0..LANES).map(|lane| (lane == 3).then(|| head(of))).collect();
        Witness::parse(&Witness::of(&heads).to_string()).unwrap()
    };
    let seen = witness(&events);
    let earlier = walked(from_first(), &events[..2]).unwrap();
    assert_eq!(earlier.reaches(3, Some(&head(&events[..2])), Some(&seen)), Err(Break::CutOff));
    assert_eq!(earlier.reaches(3, Some(&head(&events[..2])), Some(&witness(&events[..1]))), Ok(()));
    let others = chain(&["a", "b", "x", "y"]);
    let (mut walk, step) = (walked(from_first(), &others[..2]).unwrap(), &others[2]);
    assert_eq!(walk.step(&key(1), Some(&seen), Some(&step.0), Told::new(step.1).content()), Err(Break::Altered));
}

/// A chain as it was made before events had signatures, or keys.
fn in_the_earlier_form(contents: &[&'static str], key: Option<&ChainKey>) -> Vec<(Link, &'static str)> {
    let mut previous = NOTHING;
    let mut links = Vec::new();
    for (content, seq) in contents.iter().zip(1..) {
        let mut link = Link { lane: 3, seq, previous, previous_at: None, hash: NOTHING, signature: None };
        let bytes = link.earlier_form(Told::new(content).content());
        link.hash = key.map_or_else(|| sha256(&bytes), |key| key.sign(&bytes));
        previous = link.hash;
        links.push((link, *content));
    }
    links
}

#[test]
fn a_chain_of_the_earlier_form_goes_on_in_the_present_one() {
    let mut events = in_the_earlier_form(&["a", "b"], Some(&key(1)));
    let tip = Tip::Sound(Head { seq: 2, hash: events[1].0.hash, at: at(2) });
    events.push((Link::behind(Some(&key(1)), &tip, 3, Told::new("c").content()), "c"));
    assert_eq!(walked(from_first(), &events).unwrap().unsigned(), 0);
    events[1].1 = "B";
    assert_eq!(walked(from_first(), &events), Err((1, Break::Altered)));
}

#[test]
fn who_takes_the_signature_away_makes_no_event_of_the_earlier_form() {
    let mut events = chain(&["a", "b"]);
    events[1].0.signature = None;
    assert_eq!(walked(from_first(), &events), Err((1, Break::Altered)));
}

#[test]
fn events_that_nobody_vouches_for_may_stand_before_the_one_that_says_so_and_nowhere_else() {
    let earlier = in_the_earlier_form(&["a", "b"], None);
    let begun = chain(&[SIGNING_BEGUN, "c"]);
    let whole = [earlier.clone(), begun.clone()].concat();
    let walk = walked(from_first(), &whole).unwrap();
    assert_eq!((walk.unsigned(), walk.slipped_in()), (2, None));

    let always_signed = [earlier.clone(), chain(&["workspace.created", "c"])].concat();
    assert_eq!(walked(from_first(), &always_signed), Err((2, Break::Unlinked)));
    let only = walked(from_first(), &earlier).unwrap();
    assert_eq!(only.slipped_in(), Some("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    let later = [begun, earlier].concat();
    assert_eq!(walked(from_first(), &later), Err((2, Break::Altered)));
}

#[test]
fn an_event_without_a_place_was_slipped_in() {
    let mut walk = walked(from_first(), &chain(&["a"])).unwrap();
    let slipped_in = Told::new("slipped in");
    assert_eq!(walk.step(&key(1), None, None, slipped_in.content()), Err(Break::Unlinked));
}

#[test]
fn what_is_no_walk_is_not_read() {
    for raw in [
        "",
        "first",
        "then,0,,,,,,,,",
        "first,0,,,,,,,,,,",
        "first,0,,1:00,,,,,,,",
        "first,0,x,,,,,,,,",
        "first,,,,,,,,,,",
    ] {
        assert_eq!(Walk::parse(raw), None, "{raw}");
    }
    assert!(Walk::parse("first,0,,,,,,,,,").is_some());
    assert!(Walk::parse("first,0,2:ID,,,,,,,,").is_some());
}
