/** A piece of code and the class names of its colour (same ones as in the live editor); class '' is plain. */
export interface Span {
  readonly text: string;
  readonly className: string;
}
/** Lines of spans; plain text until the language's grammar is loaded (see loadGrammar). */
export declare function highlight(source: string, language: string): readonly (readonly Span[])[];
/** Resolves when highlight() knows the language, true; false when there is no grammar for it. */
export declare function loadGrammar(language: string): Promise<boolean>;
