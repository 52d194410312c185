// Package condition is the front end of Falco's condition language: lexer,
// parser, tree, printer, macro resolution and the type rules of checks.
//
// It knows the language and nothing else: no Kubernetes, no event, no YAML and
// no evaluation may come in here. What fields exist is told from outside by a
// [Catalogue].
//
// # Grammar
//
// The language of Falco 0.44 (libs 0.25), as its parser behaves. Blanks (space,
// \t, \b, \r, \n) may stand around every token; keywords are lower case.
//
//	Expr        = Or
//	Or          = And { "or"  ( blank And | "(" Expr ")" ) }
//	And         = Not { "and" ( blank Not | "(" Expr ")" ) }
//	Not         = { "not" blank } ( "not(" Expr ")" | Check )
//	Check       = "(" Expr ")" | Operand Condition | Identifier
//	Operand     = Field | Transformer
//	Field       = FieldName [ "[" ( Quoted | ArgBare ) "]" ]
//	Condition   = "exists"
//	            | ( "<=" | "<" | ">=" | ">" ) ( Number | RhsField )
//	            | StrOp ( Modifier ( List | Identifier ) | RhsField | String )
//	            | ( "intersects" | "in" | "pmatch" ) ( List | RhsField | Identifier )
//	StrOp       = "==" | "=" | "!="
//	            | ( "glob" | "iglob" | "contains" | "icontains" | "bcontains"
//	              | "startswith" | "bstartswith" | "endswith" | "regex" ) blank
//	Modifier    = blank ( "oneof" | "anyof" | "allof" ) blank
//	List        = "(" [ String { "," String } ] ")"
//	String      = Quoted | Bare
//	RhsField    = "val(" Field ")" | Transformer
//	Transformer = ( "tolower(" | "toupper(" | "b64(" | "basename(" | "len("
//	              | "join(" | "concat(" | "getopt(" ) TArg { "," TArg } ")"
//	              [ "[" ( Quoted | ArgBare ) "]" ]
//	TArg        = Number | Quoted | "(" [ TItem { "," TItem } ] ")" | Transformer | Field
//	TItem       = Field | Transformer | Quoted | Number
//
//	Identifier  = letter { letter | digit | "_" }
//	FieldName   = Identifier "." Identifier { "." Identifier }
//	ArgBare     = one or more of anything but [ ] " ' and white space
//	Number      = "0" ( "x" | "X" ) hexdigits | [ "+" | "-" ] digits [ "." ] [ digits ] [ ( "e" | "E" ) ( "+" | "-" ) digits ]
//	Bare        = one or more of anything but ( ) " ' = , and white space
//	Quoted      = "..." or '...' with the escapes \b \f \n \r \t \\ \/ \" (in "...") \' (in '...');
//	              backslash blank stands for a backslash
//
// "not" binds tighter than "and", "and" tighter than "or". In Bare a backslash
// is itself. A quoted string ends at the first delimiter whose preceding byte
// is not a backslash.
package condition
