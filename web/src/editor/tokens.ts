import { tagHighlighter, tags as t, type Highlighter } from '@lezer/highlight';

/**
 * Which syntax gets which class: one table for the static stage and for the live editor, so that nothing changes when the one takes
 * the other's place. The colours are in code.css.
 */
export const tokenClasses: Highlighter = tagHighlighter([
  { tag: [t.keyword, t.modifier, t.operatorKeyword, t.controlKeyword, t.definitionKeyword, t.moduleKeyword, t.self], class: 'tok-keyword' },
  { tag: [t.string, t.special(t.string), t.docString, t.regexp, t.character, t.attributeValue], class: 'tok-string' },
  { tag: [t.number, t.bool, t.null, t.atom, t.escape], class: 'tok-number' },
  { tag: [t.function(t.variableName), t.function(t.definition(t.variableName)), t.function(t.propertyName), t.macroName], class: 'tok-function' },
  { tag: [t.definition(t.className), t.className, t.typeName, t.namespace, t.tagName, t.standard(t.variableName)], class: 'tok-type' },
  { tag: [t.comment, t.lineComment, t.blockComment, t.meta, t.processingInstruction], class: 'tok-comment' },
  { tag: [t.operator, t.punctuation, t.derefOperator, t.separator, t.bracket], class: 'tok-operator' },
  { tag: [t.heading], class: 'tok-heading' },
  { tag: [t.strong], class: 'tok-strong' },
  { tag: [t.emphasis], class: 'tok-emphasis' },
  { tag: [t.link, t.url], class: 'tok-link' },
  { tag: [t.monospace], class: 'tok-string' },
  { tag: [t.quote, t.contentSeparator, t.labelName], class: 'tok-comment' },
  { tag: [t.invalid], class: 'tok-error' },
]);

/** A piece of code and the class names of its colour (same ones as in the live editor); class '' is plain. */
export interface Span {
  readonly text: string;
  readonly className: string;
}
