use super::*;

#[test]
fn a_freed_slot_gets_a_new_generation_and_old_tokens_are_ignored() {
    let mut handles = Handles::default();
    let first = handles.insert("first");
    handles.close(first);
    let other = handles.insert("other");
    assert_ne!(
        first.index(),
        other.index(),
        "not reused before the closing phase"
    );
    assert_eq!(handles.take_closing(), [first]);
    assert!(handles.start_closing(first));
    handles.finish_closing(first);
    let second = handles.insert("second");
    assert_eq!(first.index(), second.index());
    handles.remember(first.token(), Readiness::READABLE);
    handles.remember(Token(usize::MAX), Readiness::READABLE);
    handles.remember(Token(0), Readiness::READABLE);
    assert_eq!(handles.ready_len(), 0);
    assert_eq!(handles.get(first), None);
    assert_eq!(handles.get(second), Some(&"second"));
    handles.remember(second.token(), Readiness::READABLE);
    assert_eq!(handles.ready_len(), 1);
}

#[test]
fn readiness_is_remembered_until_cleared_and_queued_once() {
    let mut handles = Handles::default();
    let id = handles.insert(());
    handles.remember(id.token(), Readiness::READABLE);
    handles.remember(id.token(), Readiness::WRITABLE);
    assert_eq!(handles.ready_len(), 1);
    assert!(handles.next_ready().is_some());
    assert_eq!(
        handles.readiness(id),
        Readiness::READABLE | Readiness::WRITABLE
    );
    handles.clear_readiness(id, Readiness::WRITABLE);
    assert_eq!(handles.readiness(id), Readiness::READABLE);
    assert!(!handles.any_queued());
}

#[test]
fn a_handle_opened_anew_and_closed_again_is_told_and_freed_once_more() {
    let mut handles = Handles::default();
    let id = handles.insert(());
    handles.close(id);
    assert_eq!(handles.take_closing(), [id]);
    assert!(handles.start_closing(id));
    handles.reopen(id);
    handles.close(id);
    handles.finish_closing(id);
    assert!(
        handles.get(id).is_some(),
        "its second close is still to come"
    );
    assert_eq!(handles.take_closing(), [id]);
    assert!(handles.start_closing(id));
    handles.finish_closing(id);
    assert!(handles.get(id).is_none());
}

#[test]
fn a_closing_handle_takes_no_events() {
    let mut handles = Handles::default();
    let id = handles.insert(());
    handles.queue_ready(id);
    handles.pend(id);
    handles.close(id);
    handles.close(id);
    assert!(handles.next_ready().is_none());
    assert!(!handles.start_pending(id));
    handles.remember(id.token(), Readiness::READABLE);
    assert_eq!(handles.ready_len(), 0);
    assert_eq!(handles.take_closing().len(), 1);
}

#[test]
fn only_active_referenced_handles_hold_the_loop() {
    let mut handles = Handles::default();
    let id = handles.insert(());
    assert!(!handles.any_alive());
    handles.set_active(id, true);
    assert!(handles.any_alive());
    assert!(handles.is_referenced(id));
    handles.set_referenced(id, false);
    assert!(!handles.any_alive() && !handles.is_referenced(id));
    handles.set_referenced(id, true);
    assert!(handles.is_referenced(id));
    handles.close(id);
    assert!(handles.any_alive(), "its close is still to be told");
    handles.take_closing();
    assert!(!handles.any_alive());
}
