use super::*;

fn screen(width: Option<usize>, colours: bool) -> Screen {
    Screen {
        width,
        height: None,
        colours,
        terminal: colours,
    }
}

fn table() -> Table<3> {
    let mut table = Table::new([
        Column::text("NAME"),
        Column::number("LATENCY"),
        Column::soft("ERROR", 8),
    ]);
    table.row(["gpt-4".into(), "12 ms".into(), "".into()]);
    table.row([
        "größe-模型".into(),
        "1.5 s".into(),
        "no answer within the time limit".into(),
    ]);
    table
}

#[test]
fn columns_line_up_by_what_a_terminal_shows_and_lines_have_no_tail() {
    let want = "NAME        LATENCY  ERROR\n\
                gpt-4         12 ms\n\
                größe-模型    1.5 s  no answer within the time limit\n";
    assert_eq!(table().render(&screen(None, false)), want);
    assert_eq!(table().render(&screen(Some(80), false)), want);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let want = "NAME        LATENCY  ERROR\n\
                gpt-4         12 ms\n\
                größe-模型    1.5 s  no answ…\n";
    assert_eq!(table().render(&screen(Some(29), false)), want);
    for width in 13..60 {
        let text = table().render(&screen(Some(width), false));
        for line in text.lines() {
            assert!(line.width() <= width, "{width}: {line:?}");
        }
    }
}

#[test]
fn the_least_wanted_columns_go_first_and_only_as_many_as_must() {
    let mut table = Table::new([
        Column::name("POD", 8),
        Column::text("MODE"),
        Column::number("SAVED").rank(2),
        Column::text("VERSION").rank(1),
        Column::soft("ERROR", 8),
    ]);
    table.row([
        "watchkeeper-7d9f-1a2b".into(),
        "leading".into(),
        "4".into(),
        "0.1.0".into(),
        "connection refused".into(),
    ]);
    for (width, want) in [
        (
            48,
            "POD          MODE     SAVED  VERSION  ERROR\n\
             watch…-1a2b  leading      4  0.1.0    connectio…\n",
        ),
        (
            42,
            "POD           MODE     SAVED  ERROR\n\
             watch…f-1a2b  leading      4  connection …\n",
        ),
        (
            30,
            "POD         MODE     ERROR\n\
             watc…-1a2b  leading  connecti…\n",
        ),
    ] {
        assert_eq!(table.render(&screen(Some(width), false)), want, "{width}");
    }
}

#[test]
fn colours_wrap_the_text_and_do_not_move_the_columns() {
    let mut table = Table::new([Column::text("A"), Column::text("B")]);
    table.row([Cell::tinted("up", Tint::Good), "x".into()]);
    assert_eq!(
        table.render(&screen(None, true)),
        "\u{1b}[1mA\u{1b}[0m   \u{1b}[1mB\u{1b}[0m\n\u{1b}[32mup\u{1b}[0m  x\n"
    );
    assert_eq!(table.render(&screen(None, false)), "A   B\nup  x\n");
}

#[test]
fn text_from_elsewhere_cannot_steer_the_terminal() {
    let mut table = Table::new([Column::text("ERROR")]);
    table.row(["\u{1b}[2Jgone\r\nnext\u{202e}line\u{9b}".into()]);
    assert_eq!(
        table.render(&screen(None, false)),
        "ERROR\n [2Jgone  next line \n"
    );
    assert_eq!(Tint::Bad.paint("a\u{7}b", false), "a b");
}
